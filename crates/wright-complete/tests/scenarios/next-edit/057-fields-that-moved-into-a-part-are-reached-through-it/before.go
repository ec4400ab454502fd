package mail

type Options struct {
	host string
	port int
}

type Client struct {
	host string
	port int
	sent int
}

func (c *Client) Address() string {
	return join(c.host, c.port)
}
