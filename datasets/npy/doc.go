// Package npy reads the headers of arrays in NumPy's .npy format, which is also that of the entries of an .npz file.
//
// An array is the magic string, two bytes of version, the length of the header (2 bytes little-endian in version 1.0, 4 in
// 2.0 and 3.0), the header, which is a Python dict, and the data. See numpy.lib.format.
package npy
