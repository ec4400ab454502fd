package shop

type Order struct {
	ID    string
	Amount int
}

func (o *Order) Double() int {
	return o.Amount * 2
}

func NewOrder(id string, total int) *Order {
	return &Order{ID: id, Amount: total}
}
