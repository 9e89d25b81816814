"""How deep to thaw: trials, their stored scores, and the rules that judge three statements by them."""
