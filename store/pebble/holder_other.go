//go:build !unix

package pebble

func lockHolder(uintptr) int { return 0 }
