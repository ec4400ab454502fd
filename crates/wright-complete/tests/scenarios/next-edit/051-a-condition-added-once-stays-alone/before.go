package main

func a(x int) int {
	if x > 0 {
		return x
	}
	return 0
}

func b(x int) int {
	if x > 0 {
		return x
	}
	return 0
}
