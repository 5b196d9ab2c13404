package main

import (
	"os"

	"github.com/hessoscope/hessoscope/cmd/hessoscope/command"
)

func main() {
	os.Exit(command.Main(os.Args[1:], os.Stdout, os.Stderr))
}
