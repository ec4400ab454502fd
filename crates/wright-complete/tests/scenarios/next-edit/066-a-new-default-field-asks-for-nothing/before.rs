struct Window {
    width: u32,
    height: u32,
}

fn small() -> Window {
    Window { width: 1, ..Window::default() }
}
