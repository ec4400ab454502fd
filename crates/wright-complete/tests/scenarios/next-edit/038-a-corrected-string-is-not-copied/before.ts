const title = "Wellcome";
const subtitle = "Please sign in";
const footer = "Bye";
