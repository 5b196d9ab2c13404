// Package suggest tells users what they may have meant by a misspelt name.
package suggest
