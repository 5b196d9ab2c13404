package plot

import (
	"image/color"
	"math"
)

// The colours, each with one meaning; see the package.
var (
	Black      = color.NRGBA{0, 0, 0, 255}
	Gray       = color.NRGBA{120, 120, 120, 255}
	Blue       = color.NRGBA{0, 114, 178, 255}
	Vermillion = color.NRGBA{213, 94, 0, 255}
	Green      = color.NRGBA{0, 158, 115, 255}
	Purple     = color.NRGBA{204, 121, 167, 255}
	Sky        = color.NRGBA{86, 180, 233, 255}
	orange     = color.NRGBA{230, 159, 0, 255}
	yellow     = color.NRGBA{240, 228, 66, 255}
	darkGray   = color.NRGBA{90, 90, 90, 255}
)

// Classes is the number of colours that Class has.
const Classes = 8

// Class returns the colour of a class, or of a run among several. The colours repeat
// after the eighth.
func Class(class int) color.NRGBA {
	return [Classes]color.NRGBA{Blue, orange, Green, Purple, Sky, Vermillion, yellow, darkGray}[class%Classes]
}

// Mix returns the colour at a share of the way from one to another.
func Mix(from, to color.NRGBA, share float64) color.NRGBA {
	mix := func(a, b uint8) uint8 { return uint8(float64(a) + (float64(b)-float64(a))*share + 0.5) }
	return color.NRGBA{mix(from.R, to.R), mix(from.G, to.G), mix(from.B, to.B), mix(from.A, to.A)}
}

var white = color.NRGBA{255, 255, 255, 255}

// Pale returns the colour of the region of a class, on which its samples can be seen.
func Pale(c color.NRGBA) color.NRGBA { return Mix(white, c, 0.3) }

// translucent is the colour of a band, under which lines can be seen.
func translucent(c color.NRGBA) color.NRGBA { return color.NRGBA{c.R, c.G, c.B, 60} }

// diverging returns the colour of a value from −1, blue, over 0, white, to 1,
// vermillion, in steps that the eye hardly sees and that keep files small.
func diverging(v float64) color.NRGBA {
	const steps = 80
	v = math.Round(v*steps) / steps
	if v < 0 {
		return Mix(white, Blue, min(-v, 1))
	}
	return Mix(white, Vermillion, min(v, 1))
}
