package shop

type Order struct {
	ID    string
	Total int
}

func (o *Order) Double() int {
	return o.Total * 2
}

func NewOrder(id string, total int) *Order {
	return &Order{ID: id, Total: total}
}
