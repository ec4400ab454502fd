package store

import "context"

func fetch(id string) string {
	return id
}

func load(ctx context.Context, id string) string {
	return fetch(id)
}

func loadTwice(ctx context.Context, id string) string {
	return fetch(id) + fetch(id)
}
