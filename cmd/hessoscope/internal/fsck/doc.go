// Package fsck tells which files of a run are sound, and repairs what can be had back.
//
// Every file has something to be checked by: archives of arrays the checksums of zip, records
// and histories their own, and a checkpoint has the length and the checksum of each file that
// grows. So a file that is damaged is told from one that is not, and a repaired one is known
// to be what it was: [Check] finds out, and [Repair] goes back to the newest checkpoint that
// all files fit, writes one of the two forms of the history again from the other, and sets
// aside, never deletes, what nothing else tells.
package fsck
