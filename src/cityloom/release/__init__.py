"""What leaves a city as open data: tables of counts and sums that give nobody away."""
