// Package shell writes names into commands that people paste into a shell: a name with
// a space or a quote in it is then still one word.
package shell
