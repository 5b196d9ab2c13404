package callbacks

import (
	"bytes"
	"encoding/json"
)

// marshal is json.Marshal and json.MarshalIndent, but leaves <, > and & as they
// are.
func marshal(v any, indent string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
