package trainer

import (
	"bytes"
	"encoding/gob"
	"fmt"
)

// stateFormat is the first line of a hook's encoded state. It ends with the
// version of the format, which is raised by every change after which older
// states would be misread.
const stateFormat = "hessoscope hook state 2\n"

// EncodeState encodes the state of a Snapshotter in the format that DecodeState
// reads. Snapshot returns its result. The state must be a value that
// encoding/gob can encode.
func EncodeState(state any) ([]byte, error) {
	b := bytes.NewBufferString(stateFormat)
	err := gob.NewEncoder(b).Encode(state)
	return b.Bytes(), err
}

// DecodeState decodes a state that EncodeState encoded into the variable that
// state points to. A Snapshotter calls it in Restore. Data in another format is
// an error.
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
