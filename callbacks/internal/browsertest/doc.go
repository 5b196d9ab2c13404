// Package browsertest finds a browser for tests of pages, and ends it with the test.
// Where there is none, or in short mode, such tests are skipped.
package browsertest
