package mail

type Options struct {
	host string
	port int
}

type Client struct {
	options Options
	sent int
}

func (c *Client) Address() string {
	return join(c.options.host, c.options.port)
}
