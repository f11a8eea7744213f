//go:build !unix

package app

// KeepFilesPrivate does nothing: here the directory's permissions decide.
func KeepFilesPrivate() {}
