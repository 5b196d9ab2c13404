// Package command implements the command hessoscope: its flags, tables, JSON and
// exit statuses. Each subcommand has a file of its own.
//
// A program of your own can run this command with models and data that it has
// registered beforehand:
//
//	func main() {
//		os.Exit(command.Main(os.Args[1:], os.Stdout, os.Stderr))
//	}
//
// The internal packages beside it define experiments, sweeps and the reading of
// recorded runs.
package command
