const first = 1;
const second = 2;
const third = 3;
const fourth = 4;
