package record_test

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/hessoscope/hessoscope/callbacks/record"
)

// gone returns the number of a process that has ended.
func gone(t *testing.T) int {
	t.Helper()
	c := exec.Command(os.Args[0], "-test.run=^$")
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	return c.Process.Pid
}

func TestCondition(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Skip("this computer has no name:", err)
	}
	now := time.Now()
	for _, test := range []struct {
		name    string
		status  record.Status
		host    string
		process int
		ago     time.Duration
		want    record.Condition
	}{
		{"has ended", record.StatusFinished, host, gone(t), time.Hour, record.StatusFinished},
		{"can be resumed", record.StatusInterrupted, host, gone(t), time.Hour, record.StatusInterrupted},
		{"has just been updated", record.StatusRunning, "elsewhere", 1, time.Second, record.StatusRunning},
		{"measures for an hour", record.StatusRunning, host, os.Getpid(), time.Hour, record.StatusRunning},
		{"was killed", record.StatusRunning, host, gone(t), time.Minute, record.Killed},
		{"on another computer", record.StatusRunning, "elsewhere", os.Getpid(), time.Minute, record.Silent},
		{"of an older version", record.StatusRunning, host, 0, time.Minute, record.Silent},
	} {
		r := &record.Run{Status: test.status, Updated: now.Add(-test.ago), Host: record.RunHost{Name: test.host, Process: test.process}}
		if have := r.Condition(now); have != test.want {
			t.Errorf("a run that %s is %s; want %s", test.name, have, test.want)
		}
	}
}
