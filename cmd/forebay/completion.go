package main

import (
	"embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/alecthomas/kong"

	"github.com/forebayhq/forebay/provider"
)

// completionFiles are the scripts, a template for each shell.
//
//go:embed completion
var completionFiles embed.FS

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help is shown by "forebay completion --help".
func (*completionCommand) Help() string {
	return "Read it where your shell starts: source <(forebay completion bash), source <(forebay completion zsh), or\n" +
		"forebay completion fish | source. Or keep it where the shell looks for such files: docs/install.md says where."
}

// Run prints the script. It holds all that there is to complete, so that no key press runs forebay.
func (k *completionCommand) Run(e *environment, parser *kong.Kong) error {
	script, err := template.New("").Funcs(template.FuncMap{"quote": quoteShell}).ParseFS(completionFiles, "completion/*.tmpl")
	if err != nil {
		return fmt.Errorf("completion: %w", err)
	}
	all, err := withNatives(completable(nil, "", parser.Model.Node))
	if err != nil {
		return fmt.Errorf("completion: %w", err)
	}
	return script.ExecuteTemplate(e.stdout, k.Shell+".tmpl", all)
}

// A completableCommand is what may follow a command. The program itself is the first.
type completableCommand struct {
	Path  string // as it is called, a blank before each word: " dead list"; empty for the program
	Words []completableWord
	Flags []completableFlag
}

// A completableWord is a command below, or what the first argument may be.
type completableWord struct{ Name, Help string }

// A completableFlag is one flag.
type completableFlag struct {
	Name, Help string
	Short      string // without its dash; empty where there is none
	Value      bool   // wants one
	File       bool   // and it is the name of a file
}

// completable adds a command to found, and all that are below it.
func completable(found []completableCommand, path string, node *kong.Node) []completableCommand {
	c := completableCommand{Path: path, Words: completableArguments(node)}
	for _, child := range node.Children {
		if !child.Hidden {
			c.Words = append(c.Words, completableWord{child.Name, child.Help})
		}
	}
	flags := node
	if node.DefaultCmd != nil { // what may be left out, its flags not
		flags = node.DefaultCmd
	}
	for _, group := range flags.AllFlags(true) {
		for _, f := range group {
			c.Flags = append(c.Flags, newCompletableFlag(f))
		}
	}
	found = append(found, c)
	for _, child := range node.Children {
		if !child.Hidden {
			found = completable(found, path+" "+child.Name, child)
		}
	}
	return found
}

// completableArguments are the words that the first argument of a command may be, where they are known beforehand.
func completableArguments(node *kong.Node) (words []completableWord) {
	if len(node.Positional) == 0 {
		return nil
	}
	first := node.Positional[0]
	names := first.EnumSlice()
	if first.Name == "provider" {
		names = providerNames()
	}
	for _, name := range names {
		if name != "" {
			words = append(words, completableWord{name, first.Name})
		}
	}
	return words
}

// plainWord is what every shell takes for one word, without quotes.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

// withNatives adds what may follow "forebay send" and the name of a provider, as if that were a command.
func withNatives(all []completableCommand) ([]completableCommand, error) {
	send := all[slices.IndexFunc(all, func(c completableCommand) bool { return c.Path == " send" })]
	c, err := develop(false)
	if err != nil {
		return nil, err
	}
	for _, source := range c.Sources {
		p, err := newProvider(source)
		if err != nil {
			return nil, err
		}
		if sampler, ok := p.(provider.Sampler); ok {
			follow := completableCommand{Path: send.Path + " " + source.Provider, Flags: send.Flags}
			for _, n := range sampler.Natives() {
				word := completableWord{n.Name, string(n.Action)}
				if !plainWord.MatchString(n.Name) {
					word.Name = string(n.Action) // send takes that too
				}
				if !slices.Contains(follow.Words, word) {
					follow.Words = append(follow.Words, word)
				}
			}
			all = append(all, follow)
		}
	}
	return all, nil
}

func newCompletableFlag(f *kong.Flag) completableFlag {
	c := completableFlag{Name: f.Name, Help: f.Help, Value: !f.IsBool() && !f.IsCounter()}
	if f.Short != 0 {
		c.Short = string(f.Short)
	}
	c.File = c.Value && (f.Tag.Type == "path" || f.PlaceHolder == "FILE")
	return c
}

// quoteShell makes one word of a text, for bash, zsh and fish alike: inside single quotes a quote is the only sign that
// all of them would read, so it becomes a typographic one. The texts are help for people.
func quoteShell(text string) string {
	return "'" + strings.NewReplacer("'", "’", `\`, "/", "\n", " ").Replace(text) + "'"
}
