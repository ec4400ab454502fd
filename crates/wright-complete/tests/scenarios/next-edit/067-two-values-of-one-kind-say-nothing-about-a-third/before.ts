const limits = {
  small: 10,
  medium: 100,
  large: 1000,
};
