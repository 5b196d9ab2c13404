// Package durable writes files that survive a crash: each is replaced as a whole
// or not at all, and what has been written stays written when the power goes. A Lock
// keeps two processes from writing to the same folder.
//
// What it opens for reading are regular files alone, of a size that is known before it
// is read: the files that a program is given may be anything.
package durable
