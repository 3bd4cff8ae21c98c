# The change of mAP with each layer alone in INT8, and alone in FP32.
set encoding utf8
set multiplot
set lmargin at screen 0.07
set rmargin at screen 0.98
set border 3 linecolor rgb '#666666'
set boxwidth 0.7
set xrange [0.3:9.7]
set xtics ('conv_0' 1, 'conv_1' 2, 'conv_5' 3, 'conv_9' 4, 'conv_24' 5, 'neck_0' 6, 'neck_1' 7, 'head_0' 8, 'head_1' 9) rotate by -50 nomirror scale 0.5 font ',11'
set ytics nomirror scale 0.5 autofreq
set ytics add ('0' 0)
set format y '%+g'
set grid ytics linetype 1 linecolor rgb '#e4e4e4' linewidth 1
set xzeroaxis linetype 1 linecolor rgb '#666666'
set bars 0.4

unset label
set tmargin at screen 0.865
set bmargin at screen 0.565
set label 'Alone in INT8: mAP against every layer in FP32 (points)' at graph 0, 1.07 left font ',15'
set label 'Layers alone in INT8, and alone in FP32' at screen 0.5, 0.975 center font ',18'
set key at screen 0.5, 0.955 center top horizontal maxrows 1 Left reverse samplen 1.5
$backbone1 << EOD
1 -0.61
2 -0.33
3 -0.08
4 -0.04
5 0.02
EOD
$neck1 << EOD
6 -0.06
EOD
$head1 << EOD
8 -0.42
9 -0.19
EOD
$intervals1 << EOD
1 -0.81 0 0.35
2 -0.53 0 0.35
3 -0.28 0 0.35
4 -0.24 0 0.35
5 -0.18 0 0.35
6 -0.26 0 0.35
8 -0.62 0 0.35
9 -0.39 0 0.35
EOD
$notrun1 << EOD
7 0
EOD
plot $backbone1 with boxes fillstyle solid noborder linecolor rgb '#0072B2' notitle, \
     $neck1 with boxes fillstyle solid noborder linecolor rgb '#009E73' notitle, \
     $head1 with boxes fillstyle solid noborder linecolor rgb '#D55E00' notitle, \
     $intervals1 with vectors heads size screen 0.003, 90 nofilled linewidth 1 linecolor rgb '#333333' notitle, \
     $notrun1 with points pointtype 2 pointsize 1 linewidth 1.5 linecolor rgb '#888888' notitle, \
     keyentry with boxes fillstyle solid noborder linecolor rgb '#0072B2' title 'backbone', \
     keyentry with boxes fillstyle solid noborder linecolor rgb '#009E73' title 'neck', \
     keyentry with boxes fillstyle solid noborder linecolor rgb '#D55E00' title 'head', \
     keyentry with vectors heads size screen 0.003, 90 nofilled linewidth 1 linecolor rgb '#333333' title '95 % interval', \
     keyentry with points pointtype 2 pointsize 1 linewidth 1.5 linecolor rgb '#888888' title 'not run'

unset label
set tmargin at screen 0.43
set bmargin at screen 0.13
set label 'Alone in FP32: mAP against every layer in INT8 (points)' at graph 0, 1.07 left font ',15'
unset key
$backbone2 << EOD
1 0.49
2 0.26
3 0.06
4 0.03
5 -0.02
EOD
$neck2 << EOD
6 0.05
EOD
$head2 << EOD
8 0.34
9 0.15
EOD
$intervals2 << EOD
1 0.29 0 0.4
2 0.06 0 0.4
3 -0.14 0 0.4
4 -0.17 0 0.4
5 -0.22 0 0.4
6 -0.15 0 0.4
8 0.14 0 0.4
9 -0.05 0 0.4
EOD
$notrun2 << EOD
7 0
EOD
plot $backbone2 with boxes fillstyle solid noborder linecolor rgb '#0072B2' notitle, \
     $neck2 with boxes fillstyle solid noborder linecolor rgb '#009E73' notitle, \
     $head2 with boxes fillstyle solid noborder linecolor rgb '#D55E00' notitle, \
     $intervals2 with vectors heads size screen 0.003, 90 nofilled linewidth 1 linecolor rgb '#333333' notitle, \
     $notrun2 with points pointtype 2 pointsize 1 linewidth 1.5 linecolor rgb '#888888' notitle
unset multiplot
