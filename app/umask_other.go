//go:build !unix

package app

// KeepFilesPrivate does nothing: here the directory decides who may open a file.
func KeepFilesPrivate() {}
