package command

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"The shell: bash, zsh or fish."`
}

// Help returns the text that completion --help adds.
func (completionCmd) Help() string {
	return `
Prints the code by which a shell completes the commands and flags of hessoscope; other arguments are
completed as files. Put the line of your shell into its file of settings:

  source <(hessoscope completion bash)        # ~/.bashrc
  source <(hessoscope completion zsh)         # ~/.zshrc, after compinit
  hessoscope completion fish | source         # ~/.config/fish/config.fish`
}

func (c completionCmd) Run(command *kong.Context, out *output) error {
	_, err := fmt.Fprint(out.stdout, completion(c.Shell, command.Model.Node))
	return err
}

// completion returns the code for a shell. In bash, and by its means in zsh, it is one
// function that knows the words that may follow a command.
func completion(shell string, root *kong.Node) string {
	var b strings.Builder
	if shell == "fish" {
		for _, c := range leaves(root) {
			first, rest, nested := strings.Cut(c.path, " ")
			if !nested {
				fmt.Fprintf(&b, "complete -c hessoscope -n __fish_use_subcommand -f -a %s -d %s\n", first, quoted(c.node.Help))
			} else {
				fmt.Fprintf(&b, "complete -c hessoscope -n '__fish_seen_subcommand_from %s' -f -a %s -d %s\n", first, rest, quoted(c.node.Help))
			}
			for _, f := range flags(c.node) {
				fmt.Fprintf(&b, "complete -c hessoscope -n '__fish_seen_subcommand_from %s' -l %s -d %s\n", first, f.Name, quoted(f.Help))
			}
		}
		return b.String()
	}
	if shell == "zsh" {
		b.WriteString("autoload -U +X bashcompinit && bashcompinit\n")
	}
	b.WriteString("_hessoscope() {\n  local word=${COMP_WORDS[COMP_CWORD]} words=\n  case \"${COMP_WORDS[*]:1:COMP_CWORD-1} \" in\n")
	all := leaves(root)
	for i := len(all) - 1; i >= 0; i-- { // the longest first
		var words []string
		for _, child := range all {
			if rest, below := strings.CutPrefix(child.path, all[i].path+" "); below {
				words = append(words, rest)
			}
		}
		for _, f := range flags(all[i].node) {
			words = append(words, "--"+f.Name)
		}
		fmt.Fprintf(&b, "  %q*) words=%q ;;\n", all[i].path+" ", strings.Join(words, " "))
	}
	var commands []string
	for _, c := range all {
		if !strings.Contains(c.path, " ") {
			commands = append(commands, c.path)
		}
	}
	fmt.Fprintf(&b, "  *) words=%q ;;\n  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n}\n", strings.Join(append(commands, "help", "--help", "--version"), " "))
	b.WriteString("complete -o default -F _hessoscope hessoscope\n")
	return b.String()
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
