# Figure 5: ours beside the paper's.
set encoding utf8
set multiplot
set lmargin at screen 0.075
set rmargin at screen 0.98
set border 3 linecolor rgb '#666666'
set xrange [0.5:6.5]
set xtics ('Baseline' 1, 'INT8 B' 2, 'INT8 N' 3, 'INT8 H' 4, 'PTQ' 5, 'QAT' 6) nomirror scale 0
set ytics nomirror scale 0.5
set format y '%g'
set grid ytics linetype 1 linecolor rgb '#e4e4e4' linewidth 1
set bars 0.6
set arrow from first 1.5, graph 0 to first 1.5, graph 1 nohead back linecolor rgb '#cccccc' dashtype 3
set arrow from first 2.5, graph 0 to first 2.5, graph 1 nohead back linecolor rgb '#cccccc' dashtype 3
set arrow from first 3.5, graph 0 to first 3.5, graph 1 nohead back linecolor rgb '#cccccc' dashtype 3
set arrow from first 4.5, graph 0 to first 4.5, graph 1 nohead back linecolor rgb '#cccccc' dashtype 3
set arrow from first 5.5, graph 0 to first 5.5, graph 1 nohead back linecolor rgb '#cccccc' dashtype 3

# Accuracy: mAP (%)
unset label
set tmargin at screen 0.9
set bmargin at screen 0.7
unset logscale y
set ytics 45, 5
set yrange [45:75]
set label 'Accuracy: mAP (%), axis starts at 45' at graph 0, 1.07 left font ',15'
set label '69.33' at first 0.835, first 69.33 right font ',11' textcolor rgb '#0072B2'
set label '54.33' at first 1.165, first 54.33 left font ',11' textcolor rgb '#D55E00'
set label '68.73' at first 1.835, first 68.7268 right font ',11' textcolor rgb '#0072B2'
set label 'not run' at first 2.1, graph 0.06 center font ',11' textcolor rgb '#666666'
set label '69.11' at first 2.835, first 69.1081 right font ',11' textcolor rgb '#0072B2'
set label 'not run' at first 3.1, graph 0.06 center font ',11' textcolor rgb '#666666'
set label '68.53' at first 3.835, first 68.5327 right font ',11' textcolor rgb '#0072B2'
set label 'not run' at first 4.1, graph 0.06 center font ',11' textcolor rgb '#666666'
set label '67.54' at first 4.835, first 67.54 right font ',11' textcolor rgb '#0072B2'
set label '53.55' at first 5.165, first 53.55 left font ',11' textcolor rgb '#D55E00'
set label '69.29' at first 5.835, first 69.29 right font ',11' textcolor rgb '#0072B2'
set label 'not run' at first 6.1, graph 0.06 center font ',11' textcolor rgb '#666666'
set label 'paper: 4,952 images of VOC2007/test; ours: 510 images of VOC2007/test (a subset), AP by 11 points; nano.cfg, 20 classes at 320 x 320' at graph 0, -0.17 left font ',11' textcolor rgb '#666666'
set label 'Figure 5: ours beside the paper''s' at screen 0.5, 0.983 center font ',18'
set label '?: the paper contradicts itself about this value' at screen 0.98, 0.012 right font ',11' textcolor rgb '#0072B2'
set key at screen 0.5, 0.965 center top horizontal maxrows 1 Left reverse samplen 1.5
$intervals1 << EOD
1.1 54.33 51.33 57.33
5.1 53.55 50.55 56.55
EOD
$printed1 << EOD
0.9 69.33
4.9 67.54
5.9 69.29
EOD
$derived1 << EOD
1.9 68.7268
2.9 69.1081
3.9 68.5327
EOD
$ours1 << EOD
1.1 54.33
5.1 53.55
EOD
plot $intervals1 with yerrorbars linewidth 1.5 linecolor rgb '#D55E00' pointtype 0 pointsize 0 notitle, \
     $printed1 with points linecolor rgb '#0072B2' pointtype 7 pointsize 1 notitle, \
     $derived1 with points linewidth 1.5 linecolor rgb '#0072B2' pointtype 6 pointsize 1 notitle, \
     $ours1 with points linecolor rgb '#D55E00' pointtype 13 pointsize 1.4 notitle, \
     keyentry with points linecolor rgb '#0072B2' pointtype 7 pointsize 1 title 'paper, printed', \
     keyentry with points linewidth 1.5 linecolor rgb '#0072B2' pointtype 6 pointsize 1 title 'paper, derived from its text', \
     keyentry with yerrorbars linewidth 1.5 linecolor rgb '#D55E00' pointtype 13 pointsize 1.4 title 'ours, 95 % interval'

# Latency (s)
unset label
set tmargin at screen 0.598
set bmargin at screen 0.398
set logscale y
set ytics autofreq
set yrange [0.00206667:24.98]
set label 'Latency (s), logarithmic axis' at graph 0, 1.07 left font ',15'
set label '12.49' at first 0.835, first 12.49 right font ',11' textcolor rgb '#0072B2'
set label '0.0125' at first 1.165, first 0.0125 left font ',11' textcolor rgb '#D55E00'
set label 'invalid' at first 1.1, graph 0.06 center font ',11' textcolor rgb '#D55E00'
set label '9.97' at first 1.835, first 9.96702 right font ',11' textcolor rgb '#0072B2'
set label 'not run' at first 2.1, graph 0.06 center font ',11' textcolor rgb '#666666'
set label '12.32' at first 2.835, first 12.3151 right font ',11' textcolor rgb '#0072B2'
set label 'not run' at first 3.1, graph 0.06 center font ',11' textcolor rgb '#666666'
set label '11.50?' at first 3.835, first 11.5033 right font ',11' textcolor rgb '#0072B2'
set label 'not run' at first 4.1, graph 0.06 center font ',11' textcolor rgb '#666666'
set label '6.51' at first 4.835, first 6.51 right font ',11' textcolor rgb '#0072B2'
set label '0.00625' at first 5.165, first 0.00625 left font ',11' textcolor rgb '#D55E00'
set label '6.51' at first 5.835, first 6.51 right font ',11' textcolor rgb '#0072B2'
set label 'not run' at first 6.1, graph 0.06 center font ',11' textcolor rgb '#666666'
set label 'paper: Raspberry Pi 3B+; ours: median on host, 1 thread, batch 1; nano.cfg, 20 classes at 320 x 320; engine onednn' at graph 0, -0.17 left font ',11' textcolor rgb '#666666'
unset key
$intervals2 << EOD
1.1 0.0125 0.011 0.014
5.1 0.00625 0.0062 0.0063
EOD
$printed2 << EOD
0.9 12.49
4.9 6.51
5.9 6.51
EOD
$derived2 << EOD
1.9 9.96702
2.9 12.3151
3.9 11.5033
EOD
$ours2 << EOD
5.1 0.00625
EOD
$invalid2 << EOD
1.1 0.0125
EOD
plot $intervals2 with yerrorbars linewidth 1.5 linecolor rgb '#D55E00' pointtype 0 pointsize 0 notitle, \
     $printed2 with points linecolor rgb '#0072B2' pointtype 7 pointsize 1 notitle, \
     $derived2 with points linewidth 1.5 linecolor rgb '#0072B2' pointtype 6 pointsize 1 notitle, \
     $ours2 with points linecolor rgb '#D55E00' pointtype 13 pointsize 1.4 notitle, \
     $invalid2 with points linewidth 1.5 linecolor rgb '#D55E00' pointtype 12 pointsize 1.4 notitle

# Model size (MB)
unset label
set tmargin at screen 0.296
set bmargin at screen 0.096
set logscale y
set ytics autofreq
set yrange [0.433333:482.18]
set label 'Model size (MB), logarithmic axis' at graph 0, 1.07 left font ',15'
set label '241.09' at first 0.835, first 241.09 right font ',11' textcolor rgb '#0072B2'
set label '4.98' at first 1.165, first 4.98 left font ',11' textcolor rgb '#D55E00'
set label '119.3' at first 1.835, first 119.34 right font ',11' textcolor rgb '#0072B2'
set label 'not run' at first 2.1, graph 0.06 center font ',11' textcolor rgb '#666666'
set label '197.7' at first 2.835, first 197.742 right font ',11' textcolor rgb '#0072B2'
set label 'not run' at first 3.1, graph 0.06 center font ',11' textcolor rgb '#666666'
set label '232.9?' at first 3.835, first 232.893 right font ',11' textcolor rgb '#0072B2'
set label 'not run' at first 4.1, graph 0.06 center font ',11' textcolor rgb '#666666'
set label '60.84' at first 4.835, first 60.84 right font ',11' textcolor rgb '#0072B2'
set label '1.30' at first 5.165, first 1.3 left font ',11' textcolor rgb '#D55E00'
set label '60.84' at first 5.835, first 60.84 right font ',11' textcolor rgb '#0072B2'
set label 'not run' at first 6.1, graph 0.06 center font ',11' textcolor rgb '#666666'
set label 'ours: deployable file in 10^6 bytes; nano.cfg, 20 classes' at graph 0, -0.17 left font ',11' textcolor rgb '#666666'
unset key
$printed3 << EOD
0.9 241.09
4.9 60.84
5.9 60.84
EOD
$derived3 << EOD
1.9 119.34
2.9 197.742
3.9 232.893
EOD
$ours3 << EOD
1.1 4.98
5.1 1.3
EOD
plot $printed3 with points linecolor rgb '#0072B2' pointtype 7 pointsize 1 notitle, \
     $derived3 with points linewidth 1.5 linecolor rgb '#0072B2' pointtype 6 pointsize 1 notitle, \
     $ours3 with points linecolor rgb '#D55E00' pointtype 13 pointsize 1.4 notitle
unset multiplot
