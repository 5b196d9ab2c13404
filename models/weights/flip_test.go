package weights

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// No flipped bit of an archive changes what is read, nor what is read of it by name.
func TestFlippedBits(t *testing.T) {
	sound := &Archive{
		Arrays: []Array{{Name: "fc1.weight", Shape: []int{2, 3}, Data: []float64{1, 2, 3, 4, 5, 6}}, {Name: "b", Shape: []int{1}, Data: []float64{0.5}, Float32: true}},
		Files:  map[string][]byte{"progress.json": []byte(`{"epoch": 3}`), "hooks/jsonl": []byte("state")},
	}
	var file bytes.Buffer
	if err := writeNPZ(&file, sound); err != nil {
		t.Fatal(err)
	}
	survived := 0
	for bit := range 8 * file.Len() {
		damaged := bytes.Clone(file.Bytes())
		damaged[bit/8] ^= 1 << (bit % 8)
		for _, names := range [][]string{nil, {"b"}} {
			have, err := readNPZ(bytes.NewReader(damaged), int64(len(damaged)), true, names...)
			if err != nil {
				continue
			}
			survived++
			want := sound
			if names != nil {
				want = &Archive{Arrays: sound.Arrays[1:], Files: map[string][]byte{}}
			}
			if diff := cmp.Diff(want, have); diff != "" {
				t.Fatalf("bit %d of byte %d:\n%s", bit%8, bit/8, diff)
			}
		}
	}
	if survived == 0 {
		t.Error("no flipped bit was without effect, not even one of an unused field")
	}
}
