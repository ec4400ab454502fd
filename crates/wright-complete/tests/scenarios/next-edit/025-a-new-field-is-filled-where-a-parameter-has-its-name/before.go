package web

type Server struct {
	host string
	port int
}

func NewServer(host string, port int, name string) *Server {
	return &Server{
		host: host,
		port: port,
	}
}
