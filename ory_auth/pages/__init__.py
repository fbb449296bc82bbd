"""What browsers see: the pages of ory_auth.urls, which start flows at Ory and show them."""
