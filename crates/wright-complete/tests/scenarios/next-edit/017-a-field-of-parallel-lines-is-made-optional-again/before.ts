interface Filter {
  author: string;
  label: string;
  milestone: string;
}
