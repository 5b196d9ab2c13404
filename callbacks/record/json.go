package record

import (
	"bytes"
	"encoding/json"
)

// Marshal encodes v like json.Marshal, or like json.MarshalIndent if indent is
// not empty, but does not escape <, > and &.
func Marshal(v any, indent string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
