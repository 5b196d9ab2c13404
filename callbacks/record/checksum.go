package record

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"slices"
)

// Files that are text carry CRC-32 checksums, so that a flipped bit or a cut is noticed.
// Each line of a history has the sum of the file up to there, a file of JSON that of
// itself, as the last member of the object:
//
//	{"epoch": 0, …, "crc32": "1c291ca3"}
//
// The sum is that of all bytes before the name of the member.
const sumKey = `"crc32": "`

// mend ends an error about a damaged file.
const mend = "; hessoscope fsck, with its folder, tells what can be had back"

// checksum continues the sum of some bytes, 0 of none, with more of them.
func checksum(sum uint32, more []byte) uint32 { return crc32.Update(sum, crc32.IEEETable, more) }

// seal adds a checksum to a JSON object, whose closing it replaces by the separator of
// members before and by end after it. The sum begins with that of the bytes before the
// object.
func seal(before uint32, object []byte, closing, separator, end string) []byte {
	body := slices.Concat(bytes.TrimSuffix(object, []byte(closing)), []byte(separator))
	sum := checksum(before, body)
	return fmt.Appendf(body, sumKey+"%08x\"%s", sum, end)
}

// checkSeal compares an object with the checksum that seal added. Objects of older
// versions have none. It returns the sum with which the bytes after the object go on, also
// if the object is damaged, so that what follows it can be checked.
func checkSeal(before uint32, object []byte, end string) (has bool, after uint32, err error) {
	i := bytes.LastIndex(object, []byte(sumKey))
	if i < 0 {
		return false, checksum(before, object), nil
	}
	var stated uint32
	have, tail := checksum(before, object[:i]), object[i+len(sumKey):]
	if _, err := fmt.Sscanf(string(tail), "%08x", &stated); err != nil || string(tail) != fmt.Sprintf("%08x\"%s", stated, end) {
		return true, checksum(have, object[i:]), fmt.Errorf("is damaged: it ends in %.40q, and not in a checksum%s", object[i:], mend)
	}
	if after = checksum(stated, object[i:]); have != stated {
		err = fmt.Errorf("is damaged: its checksum is %08x, and was %08x when it was written%s", have, stated, mend)
	}
	return true, after, err
}

// SealJSON adds a checksum to an indented JSON object, as its last member, and ends the line.
func SealJSON(object []byte) []byte { return seal(0, object, "\n}", ",\n  ", "\n}\n") }

// CheckJSON returns an error if an object does not have the checksum that SealJSON added.
func CheckJSON(text []byte) error {
	_, _, err := checkSeal(0, text, "\n}\n")
	return err
}
