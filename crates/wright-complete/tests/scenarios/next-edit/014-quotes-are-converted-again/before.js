const names = {
  one: 'uno',
  two: 'dos',
  three: 'tres',
  four: 'cuatro',
};
