package fsck

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"hash/crc32"
	"strconv"

	"github.com/hessoscope/hessoscope/callbacks/record"
)

// historyOf returns the metrics.jsonl that a callbacks.JSONL wrote beside a metrics.csv.
func historyOf(table []byte) ([]byte, error) {
	rows, err := csv.NewReader(bytes.NewReader(table[:bytes.LastIndexByte(table, '\n')+1])).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 || len(rows[0]) < record.Fixed {
		return nil, errors.New("no header")
	}
	metrics := rows[0][record.Fixed:]
	var history []byte
	var sum uint32
	for _, row := range rows[1:] {
		entry, err := entryOf(row, metrics)
		if err != nil {
			return nil, err
		}
		object, err := entry.Object(metrics)
		if err != nil {
			return nil, err
		}
		line := record.SealEntry(sum, object)
		history, sum = append(history, line...), crc32.Update(sum, crc32.IEEETable, line)
	}
	return history, nil
}

// entryOf reads a row of a metrics.csv, which has a cell for each of the metrics.
func entryOf(row, metrics []string) (e record.Entry, err error) {
	var err1, err2, err3 error
	e.Epoch, err1 = strconv.Atoi(row[0])
	e.Step, err2 = strconv.Atoi(row[1])
	e.Seconds, err3 = strconv.ParseFloat(row[2], 64)
	err = errors.Join(err1, err2, err3)
	e.Metrics = make(map[string]float64)
	for i, cell := range row[record.Fixed:] {
		if cell == "" {
			continue
		}
		value, problem := strconv.ParseFloat(cell, 64)
		e.Metrics[metrics[i]], err = value, errors.Join(err, problem)
	}
	return e, err
}

// tableOf returns the metrics.csv that a callbacks.CSV wrote beside a metrics.jsonl. The
// record tells its columns, or else the first line of the file as it is.
func (x *examined) tableOf(history, rows []byte) ([]byte, error) {
	var metrics []string
	if x.record != nil {
		for _, m := range x.record.Metrics {
			metrics = append(metrics, m.Name)
		}
	} else {
		header, err := csv.NewReader(bytes.NewReader(rows)).Read()
		if err != nil {
			return nil, err
		}
		if len(header) < record.Fixed {
			return nil, errors.New("no header")
		}
		metrics = header[record.Fixed:]
	}
	var table bytes.Buffer
	w := csv.NewWriter(&table)
	if err := w.Write(record.Columns(metrics)); err != nil {
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
		if err := w.Write(e.Row(metrics)); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return table.Bytes(), w.Error()
}
