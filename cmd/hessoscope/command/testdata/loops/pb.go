// Package pb draws no progress bars: as much of gopkg.in/cheggaaa/pb.v1 as Gorgonia's
// example convnet calls.
package pb

import "time"

type ProgressBar struct{}

func New(int) *ProgressBar { return &ProgressBar{} }

func (*ProgressBar) SetRefreshRate(time.Duration) {}
func (*ProgressBar) SetMaxWidth(int)              {}
func (*ProgressBar) Prefix(string)                {}
func (*ProgressBar) Set(int)                      {}
func (*ProgressBar) Start()                       {}
func (*ProgressBar) Increment()                   {}
