package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/alecthomas/kong"
	"gonum.org/v1/gonum/blas/blas64"

	"github.com/hessoscope/hessoscope/callbacks/plot"
	"github.com/hessoscope/hessoscope/callbacks/terminal"
	"github.com/hessoscope/hessoscope/models/symbolic/gemm"
)

// cli is the command line.
type cli struct {
	Train     trainCmd     `cmd:"" help:"Train a network and watch its boundary: a preset, a YAML file, or a run to resume."`
	Analyze   analyzeCmd   `cmd:"" help:"Measure a finished model: a run, or weights and data."`
	Predict   predictCmd   `cmd:"" help:"Classify new samples: classes, probabilities, distances to the boundary."`
	Export    exportCmd    `cmd:"" help:"Write a trained model with all that is needed to use it into one file."`
	Plot      plotCmd      `cmd:"" help:"Draw what runs recorded: curves, spectra, boundaries and alignments, as PNG or SVG."`
	Select    selectCmd    `cmd:"" help:"Choose among finished runs: rank them by complexity and margin, or by any metric."`
	StopStudy stopStudyCmd `cmd:"" help:"Compare rules for stopping on finished runs, by their recorded metrics."`
	Report    reportCmd    `cmd:"" help:"Write a page to open in a browser: of a run, or of several to compare."`
	Doctor    doctorCmd    `cmd:"" help:"Check a model and its data before a long run."`
	Datasets  datasetsCmd  `cmd:"" help:"List, describe and fetch the built-in data sets."`
	Sweep     sweepCmd     `cmd:"" help:"Train many networks, a process each: combinations of settings, variants and seeds."`
	Runs      runsCmd      `cmd:"" help:"List runs and what they measure last, or follow one while it trains."`
	Fsck      fsckCmd      `cmd:"" help:"Check the files of runs for damage, and repair what can be had back."`
	Serve     serveCmd     `cmd:"" help:"Show runs in a browser while they train."`
	Reproduce reproduceCmd `cmd:"" help:"Repeat the paper's experiments and draw its figures."`
	Presets   presetsCmd   `cmd:"" help:"List and print the built-in experiments."`
	Version   versionCmd   `cmd:"" help:"Print the version; so does --version."`

	Completion completionCmd `cmd:"" help:"Print the code by which a shell completes commands and flags: bash, zsh or fish."`
}

// Main executes a command line and returns the exit status. The arguments do not
// include the name of the program. Results go to stdout, progress and errors to
// stderr.
func Main(args []string, stdout, stderr io.Writer) int {
	blas64.Use(gemm.Implementation{}) // for gonum's own products
	ctx, interrupt, stop := interruptible(stderr)
	defer stop()
	out := &stream{Writer: stdout, interrupt: interrupt}
	err := execute(ctx, args, out, &stream{Writer: stderr, interrupt: interrupt})
	problem := out.problem()
	if problem != nil && !errors.Is(problem, syscall.EPIPE) {
		say(stderr, "standard output: "+problem.Error())
	}
	switch {
	case err == nil && problem == nil:
		return 0
	case err == nil && errors.Is(problem, syscall.EPIPE):
		return exitPipe
	case err == nil:
		return exitFault
	case errors.Is(err, errUnsound):
		return exitUnsound // the table shows the check that failed
	case errors.Is(err, context.Canceled):
		say(stderr, "interrupted"+interruptedIn(err))
		return exitInterrupted
	default:
		say(stderr, firstLine(visible(err.Error(), args)))
		return exitFault
	}
}

// visible returns an error in which arguments with control characters, such as the name
// of a file with a newline, are quoted.
func visible(text string, args []string) string {
	for _, arg := range args {
		if flag, value, ok := strings.Cut(arg, "="); ok && strings.HasPrefix(flag, "-") {
			arg = value
		}
		if strings.ContainsFunc(arg, unicode.IsControl) {
			text = strings.ReplaceAll(text, arg, strconv.Quote(arg))
		}
	}
	return text
}

// say writes a message on standard error. Errors of writing it are ignored: there is
// nobody to tell them to.
func say(stderr io.Writer, message string) { _ = terminal.Wrap(stderr, "hessoscope: "+message+"\n") }

// firstLine returns the first line of an error, which is the part that is shown.
func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// interruptedIn returns what the error of a cancelled context says besides that.
func interruptedIn(err error) string {
	text := strings.TrimSuffix(firstLine(err.Error()), context.Canceled.Error())
	if text = strings.TrimSuffix(text, ": "); text == "" {
		return ""
	}
	return "; " + text
}

// errHelped ends the parsing of a command line that asked for help.
var errHelped = errors.New("help was printed")

// execute parses the command line and runs the subcommand.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	args = spelled(args)
	parser, err := kong.New(new(cli),
		kong.Name("hessoscope"),
		kong.Description("How complex is the boundary that a network has learned? hessoscope trains classifiers and measures the Hessian spectrum of their training loss as they learn."),
		kong.UsageOnError(),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { panic(errHelped) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: cmp.Or(terminal.Width(stdout), usualWidth)}),
		kong.Help(fittingHelp),
		kong.ValueFormatter(helpWithDefault),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(&output{stdout, stderr}),
		kong.Vars{"mostruns": strconv.Itoa(plot.Classes)},
	)
	if err != nil {
		return err
	}
	defer func() {
		if r := recover(); r == errHelped {
			err = nil
		} else if r != nil {
			panic(r)
		}
	}()
	command, err := parser.Parse(args)
	if err != nil {
		return fmt.Errorf("%w (try --help)", err)
	}
	return command.Run()
}

// usualWidth is the width of help, in columns, where there is no terminal.
const usualWidth = 80

// fittingHelp prints help, with lines of examples that are wider than the terminal broken.
func fittingHelp(options kong.HelpOptions, ctx *kong.Context) error {
	stdout := ctx.Stdout
	defer func() { ctx.Stdout = stdout }()
	var text strings.Builder
	ctx.Stdout = &text
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil {
		return err
	}
	return terminal.Wrap(stdout, text.String())
}

// spelled returns the arguments with other ways to ask for help or the version as
// those that the parser knows, help train as train --help, and a negative number after
// a flag as its value, --jobs -1 as --jobs=-1.
func spelled(args []string) []string {
	args = slices.Clone(args)
	for i := len(args) - 1; i > 0; i-- {
		if negative(args[i]) && strings.HasPrefix(args[i-1], "--") && args[i-1] != "--" && !strings.Contains(args[i-1], "=") {
			args = slices.Replace(args, i-1, i+1, args[i-1]+"="+args[i])
		}
	}
	switch {
	case len(args) == 0:
		return []string{"--help"}
	case args[0] == "help":
		return append(slices.Clone(args[1:]), "--help")
	case args[0] == "--version":
		return []string{"version"}
	}
	return args
}

// negative reports whether an argument is a negative number.
func negative(arg string) bool {
	_, err := strconv.ParseFloat(arg, 64)
	return err == nil && strings.HasPrefix(arg, "-")
}

// oneInterrupt is the time in which several signals are one interrupt: some programs
// send a signal to a process and to its group.
const oneInterrupt = time.Second

// interruptible returns a context that the first interrupt cancels, be it a signal or a
// call of interrupt. A second signal ends the process immediately, unless it is a
// hangup, which says nothing about haste.
func interruptible(stderr io.Writer) (ctx context.Context, interrupt, stop func()) {
	ctx, interrupt = context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	done := make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		signal.Notify(signals, syscall.SIGHUP)
	}
	pipe := make(chan os.Signal, 1) // never read: a write to a closed pipe is to be an error, not the end
	signal.Notify(pipe, syscall.SIGPIPE)
	go func() {
		var first time.Time
		for {
			var s os.Signal
			select {
			case <-done:
				return
			case s = <-signals:
			}
			if first.IsZero() {
				first = time.Now()
				interrupt()
				fmt.Fprintln(stderr)
				say(stderr, "stopping; what trains finishes its step and saves; interrupt again, after a second, to stop at once")
			} else if s != syscall.SIGHUP && time.Since(first) >= oneInterrupt {
				os.Exit(exitInterrupted)
			}
		}
	}()
	return ctx, interrupt, func() {
		signal.Stop(signals)
		signal.Stop(pipe)
		close(done)
		interrupt()
	}
}
