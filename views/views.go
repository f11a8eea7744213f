// Package views holds the pages: templ components and the models that they
// show, a folder for each journey. A component gets a model and asks nobody for
// anything. The folders share ui, and do not import each other.
package views
