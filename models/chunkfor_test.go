package models

import "testing"

func TestChunkFor(t *testing.T) {
	for _, test := range []struct {
		n                   int
		forward, parameters int64
		want, chunks        int
	}{
		{100, 1600, 80_000, 100, 1},        // a small net: one chunk of up to 128
		{150, 1600, 80_000, 75, 2},         // or two
		{300, 1600, 80_000, 150, 2},        //
		{450, 1600, 80_000, 113, 4},        // or a multiple of four
		{450, 1 << 17, 60_000, 113, 4},     // a convolutional network
		{150, 8000, 6_400_000, 75, 2},      // many parameters: two chunks nevertheless
		{300, 8000, 6_400_000, 150, 2},     //
		{1000, 8000, 6_400_000, 250, 4},    // of up to 256
		{10_000, 8000, 6_400_000, 500, 20}, // or 512
		{2000, 8000, 6_400_000, 250, 8},    // if there are eight
		{1000, 8000, 8000 * 40, 125, 8},    // in between: four times as many activations,
		{700, 8000, 8000 * 50, 175, 4},     // but up to 256
		{500, 8000, 8000 * 80, 250, 2},     // if there are two
		{10_000, 8000, 8000 * 80, 313, 32}, // or 320
		{50, 40 << 20, 1 << 20, 1, 50},     // much memory a sample
		{1, 8000, 6_400_000, 1, 1},         //
	} {
		size := chunkFor(test.n, test.forward, test.parameters)
		if chunks := (test.n + size - 1) / size; size != test.want || chunks != test.chunks {
			t.Errorf("%d samples of %d bytes, %d bytes of parameters: %d chunks of %d; want %d of %d",
				test.n, test.forward, test.parameters, chunks, size, test.chunks, test.want)
		}
	}
}
