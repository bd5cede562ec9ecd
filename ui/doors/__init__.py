"""What is served beside the pages themselves: sign-in, first set-up, sign-out, downloads, and the guard before all."""
