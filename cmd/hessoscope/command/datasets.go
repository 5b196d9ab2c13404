package command

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/hessoscope/hessoscope/callbacks/terminal"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/datasets/suggest"
)

type datasetsCmd struct {
	List     datasetsListCmd     `cmd:"" default:"1" help:"List the built-in data sets."`
	Describe datasetsDescribeCmd `cmd:"" help:"Describe a data set."`
	Fetch    datasetsFetchCmd    `cmd:"" help:"Fetch a data set that is not built in into your cache, and check its sums."`
}

type datasetsListCmd struct{}

func (datasetsListCmd) Run(out *output) error {
	table := terminal.Table{Columns: []terminal.Column{
		{Heading: "SET"},
		{Heading: "CLASSES", Spare: 2},
		{Heading: "SHAPE", Spare: 1},
		{Heading: "SAMPLES", Spare: 3},
		{Heading: "DESCRIPTION", Text: true},
	}}
	for _, d := range datasets.List() {
		table.Rows = append(table.Rows, []string{d.Name, strconv.Itoa(len(d.Classes)), shape(d.Shape), samples(d), d.Description})
	}
	return table.Write(out.stdout)
}

func shape(s []int) string { return strings.Trim(strings.ReplaceAll(fmt.Sprint(s), " ", "×"), "[]") }

func samples(d datasets.Info) string {
	var parts []string
	for _, s := range d.Splits {
		parts = append(parts, fmt.Sprintf("%d %s", s.Samples, s.Name))
	}
	return strings.Join(parts, ", ")
}

type datasetsDescribeCmd struct {
	Set string `arg:"" complete:"sets" help:"Name of the data set."`
}

func (c datasetsDescribeCmd) Run(out *output) error {
	var names []string
	for _, d := range datasets.List() {
		if d.Name != c.Set {
			names = append(names, d.Name)
			continue
		}
		for _, row := range [][2]string{
			{"set", d.Name},
			{"description", d.Description},
			{"source", d.Source},
			{"classes", strings.Join(d.Classes, ", ")},
			{"features", strings.Join(d.Features, ", ")},
			{"shape of a sample", shape(d.Shape)},
			{"samples", samples(d)},
			{"settings", strings.Join(experiment.DataKeys(d.Options), ", ")},
			{"files", d.Files},
			{"fetched", fetched(d)},
		} {
			if row[1] == "" {
				continue
			}
			if err := terminal.Wrap(out.stdout, fmt.Sprintf("%-*s  %s\n", len("shape of a sample"), row[0], row[1])); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("no data set %q%s", c.Set, suggest.Nearest(c.Set, names))
}

func fetched(d datasets.Info) string {
	switch {
	case d.Files == "":
		return "" // embedded in the program
	case d.Fetched:
		return "yes"
	case !d.Fetchable:
		return "no; put the files into a folder and name it: --data-dir, or data.dir"
	default:
		return "no; at first use, or by: hessoscope datasets fetch mnist"
	}
}

type datasetsFetchCmd struct {
	Set string `arg:"" enum:"mnist" help:"Name of the data set: mnist."`
	Dir string `help:"Folder to put the files into, instead of your cache." placeholder:"DIR"`
}

func (c datasetsFetchCmd) Run(ctx context.Context, out *output) error {
	dir, err := datasets.FetchMNIST(ctx, datasets.FetchOptions{Dir: c.Dir})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out.stdout, "%s is in %s, its sums are right\n", c.Set, dir)
	return err
}
