package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// number formats a value with three significant digits.
func number(v float64) string {
	return round(v, 3)
}

// twoDigits formats a value with as many significant digits.
func twoDigits(v float64) string { return round(v, 2) }

func round(v float64, digits int) string {
	if a := math.Abs(v); a >= 1000 && a < 1e7 {
		return whole(math.Round(v))
	}
	text := strconv.FormatFloat(v, 'g', digits, 64)
	rounded, _ := strconv.ParseFloat(text, 64) // our own text
	if a := math.Abs(rounded); a == 0 || a >= 1e-4 && a < 1e7 {
		text = strconv.FormatFloat(rounded, 'f', -1, 64)
	}
	return strings.Replace(text, "-", "−", 1)
}

// percent formats a share as a percentage, and 100 only if it is all.
func percent(p float64) string {
	text := strconv.FormatFloat(100*p, 'f', 1, 64)
	if text == "100.0" && p < 1 {
		text = strconv.FormatFloat(100*p, 'f', 3, 64)
	}
	return strings.TrimSuffix(text, ".0")
}

// below formats an upper bound of a residual: the next power of ten.
func below(residual float64) string {
	if residual == 0 {
		return "0"
	}
	power := math.Floor(math.Log10(residual)) + 1
	if power >= 0 {
		return number(residual)
	}
	return fmt.Sprintf("below 1e%.0f", power)
}

// whole formats a whole number, with commas between thousands.
func whole(v float64) string {
	text := strconv.FormatFloat(v, 'f', 0, 64)
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "−", text[1:]
	}
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return sign + text
}

var small = []string{"no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"}

// inLetters writes a whole number, in letters up to twelve.
func inLetters(n int) string {
	if n >= 0 && n < len(small) {
		return small[n]
	}
	return whole(float64(n))
}

// counted writes a number of things.
func counted(n int, thing string) string {
	if n != 1 {
		if strings.HasSuffix(thing, "s") {
			thing += "e"
		}
		thing += "s"
	}
	return inLetters(n) + " " + thing
}

func timesWord(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return inLetters(n) + " times"
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
