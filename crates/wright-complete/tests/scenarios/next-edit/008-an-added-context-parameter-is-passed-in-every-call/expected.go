package store

import "context"

func fetch(ctx context.Context, id string) string {
	return id
}

func load(ctx context.Context, id string) string {
	return fetch(ctx, id)
}

func loadTwice(ctx context.Context, id string) string {
	return fetch(ctx, id) + fetch(ctx, id)
}
