package command

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/sweep"
	"github.com/hessoscope/hessoscope/datasets"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"The shell: bash, zsh or fish."`
}

// Help returns the text that completion --help adds.
func (completionCmd) Help() string {
	return `
Prints the code by which a shell completes the commands and flags of hessoscope, and the names of presets,
data sets and the runs in runs/; other arguments are completed as files. Put the line of your shell into its file of settings:

  source <(hessoscope completion bash)        # ~/.bashrc
  source <(hessoscope completion zsh)         # ~/.zshrc, after compinit
  hessoscope completion fish | source         # ~/.config/fish/config.fish`
}

func (c completionCmd) Run(command *kong.Context, out *output) error {
	_, err := fmt.Fprint(out.stdout, completion(c.Shell, command.Model.Node))
	return err
}

// completion returns the code for a shell. In bash and zsh it is a function that knows
// what may follow the words before.
func completion(shell string, root *kong.Node) string {
	switch shell {
	case "fish":
		return fishCompletion(root)
	case "zsh":
		return fmt.Sprintf(`_hessoscope() {
  local word=$words[CURRENT] before=$words[CURRENT-1] flags= valued= values=
  local -a list
  case "${(j: :)words[2,CURRENT-1]} " in
%s  esac
  [[ " $valued " == *" $before "* ]] && { _files; return }
  case $word in -*) values=$flags ;; esac
  list=(${=values})
  [[ $values == RUNS ]] && list=(runs/*(N/))
  compadd -- $list || _files
}
compdef _hessoscope hessoscope
`, cases(root))
	default:
		return fmt.Sprintf(`_hessoscope() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} flags= valued= values=
  case "${COMP_WORDS[*]:1:COMP_CWORD-1} " in
%s  esac
  case " $valued " in *" $before "*) return ;; esac
  case $word in -*) values=$flags ;; esac
  [ "$values" = RUNS ] && values=$(compgen -d -- runs/)
  COMPREPLY=($(compgen -W "$values" -- "$word"))
}
complete -o default -F _hessoscope hessoscope
`, cases(root))
	}
}

// cases returns a case of bash and zsh for each command, the longest first, which sets
// its flags, those of them that have a value, and the values of its arguments.
func cases(root *kong.Node) string {
	var b strings.Builder
	all := leaves(root)
	for i := len(all) - 1; i >= 0; i-- {
		var names, valued []string
		for _, f := range flags(all[i].node) {
			names = append(names, "--"+f.Name)
			if !f.IsBool() {
				valued = append(valued, "--"+f.Name)
			}
		}
		fmt.Fprintf(&b, "  %q*) flags=%q valued=%q values=%q ;;\n", all[i].path+" ", strings.Join(names, " "), strings.Join(valued, " "), strings.Join(values(all[i].node), " "))
	}
	commands := strings.Join(children(root), " ")
	fmt.Fprintf(&b, "  \"help \"*) values=%q ;;\n  *) flags=\"--help --version\" values=%q ;;\n", commands, commands+" help")
	return b.String()
}

// fishCompletion returns the code for fish, a line for each word.
func fishCompletion(root *kong.Node) string {
	var b strings.Builder
	b.WriteString("complete -c hessoscope -n __fish_use_subcommand -f -l help\ncomplete -c hessoscope -n __fish_use_subcommand -f -l version -a help\n")
	fmt.Fprintf(&b, "complete -c hessoscope -n '__fish_seen_subcommand_from help' -f -a %s\n", quoted(strings.Join(children(root), " ")))
	for _, c := range leaves(root) {
		first, rest, nested := strings.Cut(c.path, " ")
		within := "__fish_seen_subcommand_from " + first
		if nested {
			fmt.Fprintf(&b, "complete -c hessoscope -n '%s; and not __fish_seen_subcommand_from %s' -f -a %s -d %s\n", within, strings.Join(children(c.node.Parent), " "), rest, quoted(c.node.Help))
			within += "; and __fish_seen_subcommand_from " + rest
		} else {
			fmt.Fprintf(&b, "complete -c hessoscope -n __fish_use_subcommand -f -a %s -d %s\n", first, quoted(c.node.Help))
		}
		for _, f := range flags(c.node) {
			value := ""
			if !f.IsBool() {
				value = " -r"
			}
			fmt.Fprintf(&b, "complete -c hessoscope -n '%s' -l %s%s -d %s\n", within, f.Name, value, quoted(f.Help))
		}
		if known := values(c.node); len(c.node.Children) > 0 || len(known) == 0 {
			continue
		} else if known[0] == runsValue {
			fmt.Fprintf(&b, "complete -c hessoscope -n '%s' -a '(for d in runs/*/; echo $d; end)'\n", within)
		} else {
			fmt.Fprintf(&b, "complete -c hessoscope -n '%s' -a %s\n", within, quoted(strings.Join(known, " ")))
		}
	}
	return b.String()
}

// runsValue stands for the folders in runs, which are those at the time of completion.
const runsValue = "RUNS"

// values returns what may be the first argument of a command, beside files.
func values(n *kong.Node) []string {
	if len(n.Children) > 0 {
		return children(n)
	}
	if len(n.Positional) == 0 {
		return nil
	}
	arg := n.Positional[0]
	var all []string
	for _, what := range strings.Fields(arg.Tag.Get("complete")) {
		switch what {
		case "runs":
			all = append(all, runsValue)
		case "presets":
			all = append(all, experiment.PresetNames()...)
		case "sweeps":
			all = append(all, sweep.Names()...)
		case "sets":
			for _, d := range datasets.List() {
				all = append(all, d.Name)
			}
		}
	}
	if arg.Enum != "" {
		all = append(all, arg.EnumSlice()...)
	}
	return all
}

// children returns the names of the commands below one.
func children(n *kong.Node) []string {
	var names []string
	for _, c := range leaves(n) {
		if !strings.Contains(c.path, " ") {
			names = append(names, c.path)
		}
	}
	return names
}

// a leaf is a command with its path: "presets print". Those that others are below are
// before them.
type leaf struct {
	path string
	node *kong.Node
}

func leaves(n *kong.Node) []leaf {
	var all []leaf
	for _, child := range n.Children {
		if child.Hidden || child.Type != kong.CommandNode {
			continue
		}
		all = append(all, leaf{child.Name, child})
		for _, below := range leaves(child) {
			all = append(all, leaf{child.Name + " " + below.path, below.node})
		}
	}
	return all
}

// flags returns the flags of a command that are not hidden.
func flags(n *kong.Node) []*kong.Flag {
	var all []*kong.Flag
	for _, f := range n.Flags {
		if !f.Hidden {
			all = append(all, f)
		}
	}
	return all
}

// quoted returns a text as one word of fish.
func quoted(text string) string {
	return "'" + strings.NewReplacer("\\", "\\\\", "'", "\\'").Replace(text) + "'"
}

// helpWithDefault adds the default of a flag to its help, where its placeholder stands
// in the place of it.
func helpWithDefault(value *kong.Value) string {
	help := kong.DefaultHelpValueFormatter(value)
	if value.Flag == nil || !value.HasDefault || value.Flag.PlaceHolder == "" || value.Default == "" || strings.Contains(help, "if not given") {
		return help
	}
	return strings.TrimSuffix(help, ".") + "; " + value.Default + " if not given."
}
