// Package views holds the pages: templ components and the models that they
// show, a folder for each journey. A component gets a model and calls nothing
// outside. The folders share ui, and do not import each other.
package views
