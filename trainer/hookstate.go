package trainer

import (
	"bytes"
	"encoding/gob"
	"fmt"
)

// stateFormat is the first line of a hook's encoded state. Its number is that of
// the format: it rises with every change that makes older states mean something
// else.
const stateFormat = "hessoscope hook state 2\n"

// EncodeState returns what a Snapshotter's Snapshot returns: its state, in a
// format that DecodeState knows again. The value is one that encoding/gob takes.
func EncodeState(state any) ([]byte, error) {
	b := bytes.NewBufferString(stateFormat)
	err := gob.NewEncoder(b).Encode(state)
	return b.Bytes(), err
}

// DecodeState sets the variable that state points to, in a Snapshotter's
// Restore, to what EncodeState was given. It is an error if the bytes have
// another format.
func DecodeState(data []byte, state any) error {
	encoded, known := bytes.CutPrefix(data, []byte(stateFormat))
	if !known {
		return fmt.Errorf("the state has another format than %q: finish the run with the version that began it, or start it anew", stateFormat[:len(stateFormat)-1])
	}
	if err := gob.NewDecoder(bytes.NewReader(encoded)).Decode(state); err != nil {
		return fmt.Errorf("the state cannot be read: %w", err)
	}
	return nil
}
