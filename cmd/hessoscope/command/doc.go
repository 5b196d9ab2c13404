// Package command is the command hessoscope: its flags, tables, JSON and exit
// statuses, one file a subcommand.
//
// A program of your own can be this command, with models and data that it has
// registered before:
//
//	func main() {
//		os.Exit(command.Main(os.Args[1:], os.Stdout, os.Stderr))
//	}
//
// What an experiment, a sweep and a recorded run are is told by the internal
// packages beside it.
package command
