// Package views holds the pages: templ components and the models that they
// show. A component gets a model and asks nobody for anything.
package views
