// Package durable writes files that survive a crash: each is replaced as a whole
// or not at all, and what has been written stays written when the power goes. A Lock
// keeps two processes from writing to the same folder.
package durable
