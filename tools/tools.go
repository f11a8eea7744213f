// Package tools is the module of the programs that build, check and measure
// Gatehouse. None of what they need is in go.mod, which has what the program and
// its tests need.
package tools
