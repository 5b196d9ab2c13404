package fsck

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"

	"github.com/hessoscope/hessoscope/callbacks/record"
)

// fixed is the number of columns of a metrics.csv before those of the metrics.
const fixed = 3

// historyOf returns the metrics.jsonl that a callbacks.JSONL wrote beside a metrics.csv.
func historyOf(table []byte) ([]byte, error) {
	rows, err := csv.NewReader(bytes.NewReader(table[:bytes.LastIndexByte(table, '\n')+1])).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 || len(rows[0]) < fixed {
		return nil, errors.New("no header")
	}
	var history []byte
	for _, row := range rows[1:] {
		var metrics bytes.Buffer
		for i, cell := range row[fixed:] {
			if cell == "" {
				continue
			}
			value, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				return nil, err
			}
			key, err1 := record.Marshal(rows[0][fixed+i], "")
			number, err2 := record.Marshal(value, "")
			if err := errors.Join(err1, err2); err != nil {
				return nil, err
			}
			if metrics.Len() > 0 {
				metrics.WriteString(", ")
			}
			fmt.Fprintf(&metrics, "%s: %s", key, number)
		}
		object := fmt.Appendf(nil, "{\"epoch\": %s, \"step\": %s, \"seconds\": %s, \"metrics\": {%s}}", row[0], row[1], row[2], &metrics)
		history = append(history, record.SealEntry(crc32.ChecksumIEEE(history), object)...)
	}
	return history, nil
}

// tableOf returns the metrics.csv that a callbacks.CSV wrote beside a metrics.jsonl. The
// record tells its columns, or else the first line of the file as it is.
func (x *examined) tableOf(history, rows []byte) ([]byte, error) {
	var header []string
	if x.record != nil {
		header = []string{"epoch", "step", "seconds"}
		for _, m := range x.record.Metrics {
			header = append(header, m.Name)
		}
	} else {
		var err error
		if header, err = csv.NewReader(bytes.NewReader(rows)).Read(); err != nil {
			return nil, err
		}
	}
	if len(header) < fixed {
		return nil, errors.New("no header")
	}
	var table bytes.Buffer
	w := csv.NewWriter(&table)
	if err := w.Write(header); err != nil {
		return nil, err
	}
	for line := range bytes.Lines(history) {
		if !bytes.HasSuffix(line, []byte("\n")) {
			break
		}
		var e record.Entry
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, err
		}
		row := []string{strconv.Itoa(e.Epoch), strconv.Itoa(e.Step), fmt.Sprint(e.Seconds)}
		for _, metric := range header[fixed:] {
			cell := ""
			if value, fresh := e.Fresh(metric); fresh {
				cell = strconv.FormatFloat(value, 'g', -1, 64)
			}
			row = append(row, cell)
		}
		if err := w.Write(row); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return table.Bytes(), w.Error()
}
